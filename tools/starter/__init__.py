"""How the shipped starter model is made: vocabulary, pictures, vision stage, language stage, packing."""
