#!/bin/sh
# Estimate pi by throwing darts at a square: POSIX sh and any awk. Usage: SEED=1 sh pi.sh 100000
set -eu
: "${SEED:?set SEED to a whole number}"
darts="${1:-100000}"

awk -v seed="$SEED" -v darts="$darts" '
BEGIN {
    srand(seed)
    for (i = 0; i < 9; i++) rand()     # the first draws of near seeds may be alike
    every = darts / 10
    for (i = 1; i <= darts; i++) {
        x = rand()
        y = rand()
        hits += x * x + y * y < 1
        if (i % every == 0)
            printf "darts %d: pi is about %.6f\n", i, 4 * hits / i
    }
}'
