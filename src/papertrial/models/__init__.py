"""Models that shipped recipes use; a recipe can use any other torch.nn.Module as well."""

from papertrial.models.airbench import AirbenchNet
from papertrial.models.bag_of_words import BagOfWords
from papertrial.models.cnn import CNN
from papertrial.models.dlinear import DLinear
from papertrial.models.gcn import GCN
from papertrial.models.gpt import GPT
from papertrial.models.lstm import LSTMClassifier
from papertrial.models.mlp import MLP
from papertrial.models.pretrained import Pretrained
from papertrial.models.resnet import ResNet
from papertrial.models.table_embeddings import TableEmbeddings
from papertrial.models.text_cnn import TextCNN
from papertrial.models.transformer import transformer
from papertrial.models.unet import UNet
from papertrial.models.vae import VAE

__all__ = [
    "CNN",
    "GCN",
    "GPT",
    "MLP",
    "VAE",
    "AirbenchNet",
    "BagOfWords",
    "DLinear",
    "LSTMClassifier",
    "Pretrained",
    "ResNet",
    "TableEmbeddings",
    "TextCNN",
    "UNet",
    "transformer",
]
