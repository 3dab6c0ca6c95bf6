"""What a verdict rests on beside the recipe: how differences are described."""

from __future__ import annotations

from papertrial.verification.conditions import Conditions

ONE, OTHER = "1" * 64, "2" * 64
FIRST = Conditions(
    data=({"train": ONE, "test": ONE}, {"train": ONE}),
    versions={"torch": "2.0", "torchvision": None},
    packages={"einops": "0.8"},
)


def test_the_same_conditions_do_not_differ() -> None:
    assert FIRST.differences(FIRST) == []


def test_each_difference_is_named_with_both_values() -> None:
    now = Conditions(
        data=({"train": ONE, "test": OTHER}, {"train": ONE, "validation": ONE}),
        versions={"torch": "2.1", "torchvision": "0.1"},
        packages={},
    )
    assert FIRST.differences(now) == [
        "the data: test is 222222222222, registered as 111111111111",
        "the data of the other side 1: validation is 111111111111, registered as absent",
        "the version of torch is 2.1, registered as 2.0",
        "the version of torchvision is 0.1, registered as absent",
        "the package einops is absent, registered as 0.8",
    ]


def test_what_differs_with_the_hardware_alone_can_be_left_out() -> None:
    cpu = Conditions(
        data=(),
        versions={"torch": "2.0+cpu", "numpy": "1.0", "torchvision": None},
        packages={"torch": "2.0+cpu", "einops": "0.8+local", "torch (versus 1)": "2.0+cpu"},
    )
    gpu = Conditions(
        data=(),
        versions={"torch": "2.0+cu130", "numpy": "1.0", "torchvision": None},
        packages={
            "torch": "2.0+cu130", "einops": "0.8", "torch (versus 1)": "2.0",
            "nvidia-cublas": "13.0", "triton": "3.0",
        },
    )  # fmt: skip
    assert len(cpu.differences(gpu)) == 6
    left = cpu.without_machine.differences(gpu.without_machine)
    assert left == ["the package einops is 0.8, registered as 0.8+local"]


def test_a_folder_in_pythonpath_may_lie_elsewhere() -> None:
    here, there, other = (
        Conditions((), {"python": "3.11", f"code in PYTHONPATH /{name}": digest}, {})
        for name, digest in (("a", "1" * 64), ("b", "1" * 64), ("b", "2" * 64))
    )
    assert len(here.differences(there)) == 2
    assert here.without_machine.differences(there.without_machine) == []
    assert len(here.without_machine.differences(other.without_machine)) == 2
