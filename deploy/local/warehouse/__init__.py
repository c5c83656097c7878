"""The ClickHouse engine (chDB) behind ClickHouse's native TCP protocol, for one machine.

Run ``python -m deploy.local.warehouse --listen 127.0.0.1:PORT --path DIR`` and talk to it with
``clickhouse_driver``, exactly as to a ClickHouse server.
"""
