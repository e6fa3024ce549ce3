"""Everything is in setup.cfg; this file is what setuptools insists on."""

from setuptools import setup

setup()
