"""Write the ONNX graph of a model: the network without its weights.

The graph names the tensors of the model's checkpoint and takes them from it when it is loaded,
so that both engines read one safetensors file and a graph of a few hundred kilobytes serves
every checkpoint of the network.

Run:   python tools/export_graph.py blockiqa-lite biqa_cli/weights/files/blockiqa-lite.onnx
Needs: pip install 'biqa-cli[export]'
"""

import argparse
from pathlib import Path

import onnx
import onnxscript.optimizer
import torch
from torch import Tensor, nn

from biqa_cli.models.catalog import find_model
from biqa_cli.models.loading import build_network

_OPSET = 20


class ScoresOnly(nn.Module):
    """A network whose output is the tensor of scores."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """Map views (B, 3, H, W) to native scores (B,)."""
        scores: Tensor = self.network(images).scores
        return scores


def export(name: str) -> onnx.ModelProto:
    """Return the graph of a model, with its tensors as external data without content."""
    spec = find_model(name)
    network = ScoresOnly(build_network(spec)).eval()
    # Two photos, since a batch of one would be taken for a constant.
    example = torch.zeros(2, 3, spec.input.height, spec.input.width)
    program = torch.onnx.export(
        network,
        (example,),
        input_names=["images"],
        output_names=["scores"],
        dynamic_shapes={"images": {0: torch.export.Dim("batch", min=1, max=4096)}},
        opset_version=_OPSET,
        dynamo=True,
        # Folding would melt parameters into constants that no checkpoint can replace.
        optimize=False,
        verbose=False,
    )
    return _without_weights(
        program.model_proto, set(network.network.state_dict()), f"{name}.safetensors"
    )


def _without_weights(model: onnx.ModelProto, names: set[str], location: str) -> onnx.ModelProto:
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
        tensor.external_data.add(key="location", value=location)
        model.graph.initializer.append(tensor)
    for node in model.graph.node:
        node.input[:] = [
            name.removeprefix(prefix) if name in parameters else name for name in node.input
        ]
        # They hold stack traces of the exporting machine.
        del node.metadata_props[:]
    del model.graph.value_info[:]
    return model


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("output", type=Path)
    arguments = parser.parse_args()
    arguments.output.write_bytes(export(arguments.model).SerializeToString(deterministic=True))
