"""`make bench`: how long things take beside each other, in one run; read the ratios."""

from benchmarks import fusing, metrics

if __name__ == "__main__":
    fusing.main(memory_of=0)
    metrics.main()
