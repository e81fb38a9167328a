"""What docs/deploy.md shows: django-redis on a cluster."""

from django_redis.pool import ConnectionFactory
from redis.cluster import RedisCluster


class ClusterFactory(ConnectionFactory):
    def connect(self, url):
        return RedisCluster.from_url(url, **self.redis_client_cls_kwargs)

    def disconnect(self, connection):
        connection.disconnect_connection_pools()
