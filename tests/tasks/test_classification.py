"""Classification: shapes, link, decoding and score."""

from __future__ import annotations

import math

import pytest
import torch

from papertrial.errors import ModelError
from papertrial.tasks.classification import is_one_logit
from papertrial.tasks.image_classification import ImageClassification
from papertrial.tasks.text_classification import TextClassification

TASK = ImageClassification(["cat", "dog", "emu"])
TWO = TextClassification(["neg", "pos"])
ONE_LOGIT = [(4,), (4, 1)]
Z = torch.tensor([-2.0, 0.5, 0.0, 30.0])


def test_targets_stay_class_indices() -> None:
    y = torch.tensor([2, 0])
    assert torch.equal(TASK.target(y, torch.randn(2, 3)), y)
    assert TASK.target(y, torch.randn(2, 3)).dtype == torch.int64


def test_an_output_of_a_logit_a_class_passes() -> None:
    TASK.check_output(torch.zeros(5, 3), torch.zeros(5, dtype=torch.int64))


@pytest.mark.parametrize("shape", [(5,), (5, 1), (5, 4), (4, 3), (5, 3, 1), (1, 5, 3), ()])
def test_any_other_output_is_refused_with_both_shapes(shape: tuple[int, ...]) -> None:
    with pytest.raises(ModelError) as error:
        TASK.check_output(torch.zeros(shape), torch.zeros(5, dtype=torch.int64))
    assert "must return [5, 3]" in str(error.value)
    assert str(error.value).endswith(f"got {list(shape)}")


def test_decode_sorts_probabilities_that_sum_to_one() -> None:
    logits = torch.randn(50, 3, generator=torch.Generator().manual_seed(1)) * 5
    for row, answer in zip(logits, TASK.decode(logits), strict=True):
        values = list(answer.probabilities.values())
        expected = torch.softmax(row.double(), 0)
        assert math.isclose(sum(values), 1, abs_tol=1e-12)
        assert values == sorted(values, reverse=True)
        assert (
            answer.prediction == TASK.classes[int(row.argmax())] == next(iter(answer.probabilities))
        )
        for k, name in enumerate(TASK.classes):
            assert answer.probabilities[name] == pytest.approx(expected[k].item(), abs=1e-15)


def test_equal_logits_keep_the_order_of_the_classes() -> None:
    (answer,) = TASK.decode(torch.zeros(1, 3))
    assert answer.prediction == "cat"
    assert list(answer.probabilities) == ["cat", "dog", "emu"]


def test_link_leaves_log_probabilities_what_they_are() -> None:
    probabilities = torch.tensor([[0.2, 0.3, 0.5]], dtype=torch.float64)
    torch.testing.assert_close(TASK.link(probabilities.log()), probabilities)


def test_link_is_finite_for_extreme_logits() -> None:
    linked = TASK.link(torch.tensor([[1e30, -1e30, 0.0]]))
    assert linked.tolist() == [[1.0, 0.0, 0.0]]
    assert linked.dtype == torch.float64


def test_batch_score_is_accuracy() -> None:
    output = torch.eye(3)[[0, 1, 2, 0]]
    assert TASK.batch_score(output, torch.tensor([0, 1, 1, 1])).item() == 0.5


@pytest.mark.parametrize("shape", [*ONE_LOGIT, (4, 2)])
def test_two_classes_have_one_logit_or_two(shape: tuple[int, ...]) -> None:
    TWO.check_output(torch.zeros(shape), torch.zeros(4, dtype=torch.int64))
    assert is_one_logit(torch.zeros(shape)) is (shape != (4, 2))


@pytest.mark.parametrize("shape", [(3,), (4, 3), (3, 1), (1, 4), (4, 1, 1), (4, 2, 1), ()])
def test_any_other_output_for_two_classes_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ModelError) as error:
        TWO.check_output(torch.zeros(shape), torch.zeros(4, dtype=torch.int64))
    assert "must return [4, 2] or [4, 1]" in str(error.value)
    assert str(error.value).endswith(f"got {list(shape)}")


@pytest.mark.parametrize("shape", ONE_LOGIT)
def test_targets_of_one_logit_are_0_and_1_in_its_shape_and_type(shape: tuple[int, ...]) -> None:
    output = torch.zeros(shape, dtype=torch.bfloat16)
    target = TWO.target(torch.tensor([0, 1, 1, 0]), output)
    assert (target.shape, target.dtype) == (shape, torch.bfloat16)
    assert target.flatten().tolist() == [0, 1, 1, 0]
    wide = TWO.target(torch.tensor([0, 1, 1, 0]), torch.zeros(4, 2))
    assert (wide.shape, wide.dtype) == ((4,), torch.int64)


@pytest.mark.parametrize("shape", ONE_LOGIT)
def test_one_logit_is_that_of_the_second_class(shape: tuple[int, ...]) -> None:
    output = Z.reshape(shape)
    assert TWO.logits(output).tolist() == [[0, -2], [0, 0.5], [0, 0], [0, 30]]
    linked = TWO.link(output)
    torch.testing.assert_close(linked[:, 1], Z.double().sigmoid(), rtol=0, atol=1e-16)
    assert linked.sum(1).tolist() == pytest.approx([1, 1, 1, 1], abs=1e-15)
    assert [a.prediction for a in TWO.decode(output)] == ["neg", "pos", "neg", "pos"]
    assert TWO.decode(output)[1].probabilities == {
        "pos": pytest.approx(0.6224593312018546),
        "neg": pytest.approx(0.3775406687981454),
    }


@pytest.mark.parametrize("shape", ONE_LOGIT)
def test_batch_score_of_one_logit_is_accuracy(shape: tuple[int, ...]) -> None:
    output = Z.reshape(shape)
    target = TWO.target(torch.tensor([1, 1, 0, 1]), output)
    assert TWO.batch_score(output, target).item() == 0.75


def test_a_batch_of_one_sample_with_two_logits_is_not_one_logit() -> None:
    output = torch.tensor([[3.0, 1.0]])
    assert not is_one_logit(output)
    assert TWO.decode(output)[0].prediction == "neg"
