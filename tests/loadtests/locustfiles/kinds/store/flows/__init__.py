from .browse import Browse

__all__ = ["Browse"]
