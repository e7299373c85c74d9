"""What Datumaro makes of a dataset, as JSON. Runs in the environment of the peers, with a format and a path."""

from __future__ import annotations

import json
import sys

from datumaro.components.dataset import Dataset


def told(annotation) -> dict:
    """Type, label, box and attributes of an annotation."""
    made = {"type": annotation.type.name, "label": annotation.label, "attributes": dict(annotation.attributes)}
    if hasattr(annotation, "get_bbox"):
        made["bbox"] = [float(side) for side in annotation.get_bbox()]
    if annotation.type.name in ("mask", "polygon"):
        made["area"] = float(annotation.get_area())
    return made


def main(form: str, path: str) -> None:
    dataset = Dataset.import_from(path, form)
    labels = [label.name for label in dataset.categories()[next(iter(dataset.categories()))]]
    items = [
        {"id": item.id, "subset": item.subset, "annotations": [told(one) for one in item.annotations]}
        for item in dataset
    ]
    json.dump({"labels": labels, "items": items}, sys.stdout, default=str)


if __name__ == "__main__":
    main(*sys.argv[1:])
