"""The bound of the VAE is that of its distributions, and its sum is trained on."""

from __future__ import annotations

import pytest
import torch
from torch.distributions import Bernoulli, Normal, kl_divergence

from papertrial.models import VAE
from papertrial.models.vae import (
    bound_terms,
    divergence,
    negative_bound,
    reconstruction,
    summed_bound,
)


def test_the_terms_are_those_of_the_distributions() -> None:
    torch.manual_seed(0)
    model, x = VAE(pixels=6, hidden=5, code=3), torch.rand(4, 1, 2, 3).round()
    output = model(x)
    assert output.shape == (4, 6 + 2 * 3)
    pixels, mean, log_variance = output.split([6, 3, 3], 1)
    code = Normal(mean, (0.5 * log_variance).exp())
    terms = bound_terms(output, x)
    likelihood = Bernoulli(pixels).log_prob(x.flatten(1)).sum(1)
    torch.testing.assert_close(terms[:, 0], -likelihood)
    torch.testing.assert_close(terms[:, 1], kl_divergence(code, Normal(0, 1)).sum(1))
    whole = negative_bound(output, x).item()
    assert whole == pytest.approx(terms.sum(1).mean().item())
    parts = reconstruction(terms, x) + divergence(terms, x)
    assert parts.item() == pytest.approx(whole, rel=1e-6)


def test_the_code_is_drawn_around_its_mean() -> None:
    torch.manual_seed(0)
    model = VAE(pixels=2, hidden=4, code=1)
    x = torch.rand(1, 2).expand(3, 2)
    one, other = model(x), model(x)
    assert torch.equal(one[:, 2:], other[:, 2:])  # mean and log-variance
    assert not torch.equal(one[:, :2], other[:, :2])
    assert len(one[:, 0].unique()) == 3


def test_the_objective_is_the_sum_of_the_loss_of_each_image() -> None:
    torch.manual_seed(0)
    model, x = VAE(pixels=6, hidden=5, code=3), torch.rand(4, 6)
    torch.manual_seed(1)
    total, output = summed_bound(model, x, x, negative_bound)
    torch.manual_seed(1)
    torch.testing.assert_close(model(x), output)
    assert total.item() == pytest.approx(bound_terms(output, x).sum().item())
    total.backward()
    assert all(p.grad is not None for p in model.parameters())


def test_it_has_the_parameters_of_the_example() -> None:
    layers = [(784, 400), (400, 20), (400, 20), (20, 400), (400, 784)]
    assert sum(p.numel() for p in VAE().parameters()) == sum(a * b + b for a, b in layers)
