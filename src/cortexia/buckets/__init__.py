"""Object storage: ``s3://`` and ``gs://``, behind the same guard as everything else that goes over the network."""

from cortexia.buckets.address import ObjectAddress, is_object_address
from cortexia.buckets.storage import ObjectAccess, ObjectStorage, publish

__all__ = ["ObjectAccess", "ObjectAddress", "ObjectStorage", "is_object_address", "publish"]
