"""Motifs at what a model keeps: enrichment of known ones, discovery of new ones, their spacing."""
