"""What timm, torchvision and transformers know of their models and pictures."""
