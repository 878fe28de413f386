# Training and evaluation on NVIDIA GPUs. The base has torch, CUDA and cuDNN; pip keeps its torch.
#   docker build -t wherewise .
#   docker run --gpus all --ipc host -v "$PWD/data:/workspace/data" -v "$PWD/runs:/workspace/runs" wherewise doctor
FROM pytorch/pytorch:2.8.0-cuda12.8-cudnn9-runtime

ENV PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PYTHONUNBUFFERED=1 \
    HF_HOME=/workspace/models

RUN useradd --create-home --uid 1000 user \
    && mkdir -p /workspace/data /workspace/runs /workspace/models \
    && chown -R user:user /workspace

COPY pyproject.toml README.md LICENSE NOTICE /source/
COPY src /source/src
COPY recipes /source/recipes
RUN python -c "import torch, torchvision; print(f'torch=={torch.__version__}\ntorchvision=={torchvision.__version__}')" > /source/base.txt \
    && pip install -c /source/base.txt "/source[train,video,judge,lessons]" \
    && rm -rf /source

WORKDIR /workspace
USER user
ENTRYPOINT ["wherewise"]
CMD ["--help"]
