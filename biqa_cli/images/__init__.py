"""From files to arrays: finding, reading and viewing photos."""
