"""Graphs as torch exports them, and what is changed in them before biqa keeps one."""

import onnx
import onnxscript.optimizer
import torch
from torch import nn

from biqa_cli.errors import WeightsError

INPUT = "images"
"""The name of the input of every graph."""
_OPSET = 20


def traced(
    module: nn.Module, size: tuple[int, int], outputs: list[str], *, fold: bool
) -> onnx.ModelProto:
    """Return the graph of a network for images of a size (height, width), any number of them.

    Args:
        module: From images to a tuple of tensors.
        size: Of the images.
        outputs: Names of the tensors.
        fold: Whether parameters may become constants that no checkpoint can replace.
    """
    # Two photos, since a batch of one would be taken for a constant.
    example = torch.zeros(2, 3, *size)
    program = torch.onnx.export(
        module.eval(),
        (example,),
        input_names=[INPUT],
        output_names=outputs,
        dynamic_shapes=({0: torch.export.Dim("batch", min=1, max=4096)},),
        opset_version=_OPSET,
        dynamo=True,
        # Folding melts parameters into constants that no checkpoint can replace.
        optimize=fold,
        verbose=False,
    )
    if program is None:
        raise WeightsError("torch has exported nothing: install onnx and onnxscript anew")
    return program.model_proto


def take_any_size(model: onnx.ModelProto) -> None:
    """Let the images of a graph have any height and width that are multiples of 32.

    A network that pools its maps has the same nodes for all of them. The comparison with PyTorch,
    at another size than the exported one, would tell if it had not; torch.export takes many
    minutes to prove it.
    """
    for value in (*model.graph.input, *model.graph.output):
        sides = value.type.tensor_type.shape.dim[2:]
        for side, name in zip(sides, ("height", "width"), strict=False):
            if side.dim_value > 1:
                side.dim_param = name if value.name == INPUT else f"{value.name}_{name}"
    # They tell sizes of what lies inside.
    del model.graph.value_info[:]


def without_weights(model: onnx.ModelProto, names: set[str]) -> onnx.ModelProto:
    """Return a graph that takes its parameters, of these names, from a checkpoint."""
    prefix = "network."
    parameters = {
        tensor.name: tensor
        for tensor in model.graph.initializer
        if tensor.name.removeprefix(prefix) in names
    }
    # As inputs they are unknown to the optimiser: it folds what is constant for every checkpoint.
    for tensor in parameters.values():
        model.graph.initializer.remove(tensor)
        model.graph.input.append(
            onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims)
        )
    model = onnxscript.optimizer.optimize(model)
    for value in [value for value in model.graph.input if value.name in parameters]:
        model.graph.input.remove(value)
        tensor = onnx.TensorProto(
            name=value.name.removeprefix(prefix),
            data_type=parameters[value.name].data_type,
            dims=parameters[value.name].dims,
            data_location=onnx.TensorProto.EXTERNAL,
        )
        # Whoever loads it brings the tensors by name.
        tensor.external_data.add(key="location", value="checkpoint")
        model.graph.initializer.append(tensor)
    for node in model.graph.node:
        node.input[:] = [
            name.removeprefix(prefix) if name in parameters else name for name in node.input
        ]
    forget_the_machine(model)
    return model


def forget_the_machine(model: onnx.ModelProto) -> None:
    """Remove stack traces and shapes of the exporting run."""
    for node in model.graph.node:
        del node.metadata_props[:]
    for function in model.functions:
        for node in function.node:
            del node.metadata_props[:]
    del model.graph.value_info[:]
