"""The only import of ONNX Runtime: its telemetry is off before it is loaded.

Since 1.29 it otherwise opens sockets, looks up a telemetry host, and keeps a device id and a queue
of events in the user's cache. It reads the variable when it is imported.
"""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime

__all__ = ["onnxruntime"]
