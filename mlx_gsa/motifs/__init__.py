"""Motifs at the positions a model looks at: enrichment of known ones, families, known sites, novel ones, spacing."""
