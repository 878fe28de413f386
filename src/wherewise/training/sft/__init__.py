"""Supervised fine-tuning: what is learnt from, and the phase that adds its gradients."""
