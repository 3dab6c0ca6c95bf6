"""Models that shipped recipes use; a recipe can use any other torch.nn.Module as well."""

from papertrial.models.bag_of_words import BagOfWords
from papertrial.models.cnn import CNN
from papertrial.models.dlinear import DLinear
from papertrial.models.gcn import GCN
from papertrial.models.gpt import GPT
from papertrial.models.lstm import LSTMClassifier
from papertrial.models.mlp import MLP
from papertrial.models.pretrained import Pretrained
from papertrial.models.resnet import ResNet
from papertrial.models.text_cnn import TextCNN

__all__ = [
    "CNN",
    "GCN",
    "GPT",
    "MLP",
    "BagOfWords",
    "DLinear",
    "LSTMClassifier",
    "Pretrained",
    "ResNet",
    "TextCNN",
]
