"""Models that shipped recipes use; a recipe can use any other torch.nn.Module as well."""

from papertrial.models.bag_of_words import BagOfWords
from papertrial.models.cnn import CNN
from papertrial.models.lstm import LSTMClassifier
from papertrial.models.mlp import MLP
from papertrial.models.pretrained import Pretrained
from papertrial.models.resnet import ResNet

__all__ = ["CNN", "MLP", "BagOfWords", "LSTMClassifier", "Pretrained", "ResNet"]
