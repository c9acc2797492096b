# The app without a screen:  docker build -t visioncam .  &&  docker run --hostname localhost -p 7860:7860 visioncam
# It prints an address with a token.  With models of your own:
#   docker run --hostname localhost -p 7860:7860 -v "$PWD/models:/models:ro" visioncam visioncam app --host 0.0.0.0 --models /models
FROM python:3.13-slim
WORKDIR /source
COPY . .
RUN python tools/requirements.py app demo --headless > needed.txt \
    && pip install --no-cache-dir -r needed.txt \
    && pip install --no-cache-dir --no-deps . \
    && useradd --create-home visioncam
USER visioncam
WORKDIR /models
EXPOSE 7860
CMD ["visioncam", "app", "--host", "0.0.0.0"]
