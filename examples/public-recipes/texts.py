"""Metrics that average batches, and the network of a notebook on sentiment analysis."""

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence


def batch_mean_accuracy(output, target, size):
    """Return the mean of the accuracies of batches of `size` samples, the last one smaller."""
    right = (output.argmax(1) == target).double()
    return torch.stack([part.mean() for part in right.split(size)]).mean()


class Lstm(nn.Module):
    def __init__(self, words, width, layers, dropout):
        super().__init__()
        self.embedding = nn.Embedding(words, width, padding_idx=0)
        self.lstm = nn.LSTM(
            width, width, layers, bidirectional=True, dropout=dropout, batch_first=True
        )
        self.fc = nn.Linear(2 * width, 2)
        self.dropout = nn.Dropout(dropout)
        nn.init.zeros_(self.embedding.weight)  # words without a vector keep this
        nn.init.xavier_normal_(self.fc.weight)
        nn.init.zeros_(self.fc.bias)
        for name, weight in self.lstm.named_parameters():
            (nn.init.zeros_ if "bias" in name else nn.init.orthogonal_)(weight)

    def forward(self, x):
        lengths = (x != 0).sum(1).cpu()
        embedded = self.dropout(self.embedding(x))
        packed = pack_padded_sequence(embedded, lengths, batch_first=True, enforce_sorted=False)
        _, (hidden, _) = self.lstm(packed)
        return self.fc(self.dropout(torch.cat([hidden[-1], hidden[-2]], 1)))
