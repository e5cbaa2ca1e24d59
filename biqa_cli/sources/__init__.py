"""Where photos come from: each source is a stream of names, each with a way to its bytes.

Folders and files, archives, tables and stores behind an address are sources. Nothing is unpacked to
disk, and nothing is held beyond the photos that are read ahead.
"""
