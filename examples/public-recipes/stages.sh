#!/bin/sh
# Pre-train, then probe, with one seed: sh stages.sh SEED OUT EPOCHS
set -e
papertrial train ./simclr-pretrain.yaml "seed=$1" "epochs=$3" --runs "$2/runs"
cp "$2"/runs/simclr-pretrain/*/model.safetensors pretrained.safetensors
papertrial train ./simclr-probe.yaml "seed=$1" "epochs=$3" --runs "$2/runs"
cp "$2"/runs/simclr-probe/*/metrics.json "$2/metrics.json"
