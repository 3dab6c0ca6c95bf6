"""Multi-label classification of COCO with the asymmetric loss (Ridnik et al. 2021)."""

import json

import numpy as np
import torch
from PIL import Image

SIZE = 224


def load(folder):
    """Return the images, resized to 224 x 224, and the 80 categories in each of them."""
    made = {"train": read(folder, "train2014"), "test": read(folder, "val2014")}
    names = [c["name"] for c in annotations(folder, "train2014")["categories"]]
    return {**made, "classes": names}


def annotations(folder, part):
    return json.loads((folder / "annotations" / f"instances_{part}.json").read_text())


def read(folder, part):
    found = annotations(folder, part)
    column = {c["id"]: i for i, c in enumerate(found["categories"])}
    files = {image["id"]: image["file_name"] for image in found["images"]}
    marked = sorted({a["image_id"] for a in found["annotations"]})  # others are left out
    row = {image: i for i, image in enumerate(marked)}
    y = np.zeros((len(marked), len(column)), np.int64)
    for a in found["annotations"]:
        y[row[a["image_id"]], column[a["category_id"]]] = 1
    x = np.empty((len(marked), 3, SIZE, SIZE), np.uint8)
    for image, i in row.items():
        pixels = Image.open(folder / part / files[image]).convert("RGB").resize((SIZE, SIZE))
        x[i] = np.asarray(pixels).transpose(2, 0, 1)
    return x, y


def cutout(image, factor):
    """Fill a rectangle of half the sides of an image, at a random place, with a random colour."""
    height, width = image.shape[1:]
    half = int(factor * height / 2 + 0.5), int(factor * width / 2 + 0.5)
    row, column = torch.randint(height, ()).item(), torch.randint(width, ()).item()
    image = image.clone()
    colour = torch.randint(256, (3, 1, 1), dtype=image.dtype)
    rows = slice(max(row - half[0], 0), row + half[0])
    image[:, rows, max(column - half[1], 0) : column + half[1]] = colour
    return image


def asymmetric_loss(output, target, negative, positive, clip):
    """Return the sum over samples and labels; easy negatives weigh less."""
    yes = output.float().sigmoid()
    no = (1 - yes + clip).clamp(max=1)
    logs = target * yes.clamp(min=1e-8).log() + (1 - target) * no.clamp(min=1e-8).log()
    with torch.no_grad():
        sure = yes * target + no * (1 - target)
        weight = (1 - sure) ** (positive * target + negative * (1 - target))
    return -(logs * weight).sum()
