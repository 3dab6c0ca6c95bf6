"""Commands and numbers in a README."""

from __future__ import annotations

from papertrial.programs.suggest.readme import commands_in, reported_numbers

README = """# A model
Reaches 94.01% accuracy, in 3.2 s on 8 GPUs ([paper](https://arxiv.org/abs/2404.00498)).

```bash
pip install -r requirements.txt
$ CUDA_VISIBLE_DEVICES=1 python train.py \\
    --lr 0.1   # the default
python main.py -a resnet18 [folder with images]
./run.sh
```

| Model | Params | Test acc (%) | val loss |
| --- | --- | --- | --- |
| small | 1.2 | 93.1 | **0.31** |
| large | 9.9 | 95.0 | - |
"""


def test_commands() -> None:
    assert commands_in(README) == (
        ("python", "train.py", "--lr", "0.1"),
        ("python", "main.py", "-a", "resnet18"),
        ("./run.sh",),
    )


def test_numbers_of_sentences_and_tables() -> None:
    found = [(one.name, one.text, one.line) for one in reported_numbers("README.md", README)]
    assert found == [
        ("accuracy", "94.01%", 2),
        ("test_acc", "93.1%", 14),
        ("val_loss", "0.31", 14),
        ("test_acc", "95.0%", 15),
    ]
