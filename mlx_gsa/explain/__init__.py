"""What a model saw: spans, motif matches, tracks for genome browsers, and pictures."""
