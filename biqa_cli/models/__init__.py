"""The models: what they declare, their networks, and the engines that run them."""
