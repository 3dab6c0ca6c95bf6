"""Models that shipped recipes use; a recipe can use any other torch.nn.Module as well."""

from papertrial.models.bag_of_words import BagOfWords
from papertrial.models.cnn import CNN
from papertrial.models.lstm import LSTMClassifier
from papertrial.models.mlp import MLP
from papertrial.models.resnet import ResNet
from papertrial.models.transformer import transformer

__all__ = ["CNN", "MLP", "BagOfWords", "LSTMClassifier", "ResNet", "transformer"]
