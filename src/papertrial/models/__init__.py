"""The networks that shipped recipes use; any other torch.nn.Module serves as well."""

from papertrial.models.mlp import MLP

__all__ = ["MLP"]
