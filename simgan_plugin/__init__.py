"""SimGAN as a gantool plugin: Shrivastava et al., "Learning from Simulated and Unsupervised Images through Adversarial
Training", CVPR 2017, arXiv:1612.07828.

`plugin` describes the parts, `options` what can be set; neither imports torch.
"""
