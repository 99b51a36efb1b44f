"""Genomes: a trained model over whole chromosomes and over variants."""
