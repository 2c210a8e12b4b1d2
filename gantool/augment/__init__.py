"""A trained generator as a transform of an augmentation pipeline.

`gantool.augment.torch`, `gantool.augment.kornia` and `gantool.augment.albumentations` each need only the library they are named
after. Labels stay true, because nothing but pixels changes.
"""
