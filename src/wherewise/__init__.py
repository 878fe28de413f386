"""wherewise: teach vision-language models where things are, and when.

The rooms (sub-packages) follow the path of the data: ``scenes`` -> ``questions`` -> ``samples`` -> ``training`` ->
``evaluation`` -> ``reports``. Importing ``wherewise`` imports neither torch nor transformers.
"""

__version__ = "0.1.0"
