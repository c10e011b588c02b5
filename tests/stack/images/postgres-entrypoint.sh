# What docker-compose.yml uses of the published image's entry point: a new cluster, its user, password and database.
set -eu
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  printf '%s' "$POSTGRES_PASSWORD" > /tmp/password
  # shellcheck disable=SC2086 - the arguments are words
  initdb --encoding=UTF8 --locale=C.UTF-8 --pgdata="$PGDATA" --username="$POSTGRES_USER" --pwfile=/tmp/password $POSTGRES_INITDB_ARGS >/dev/null
  rm /tmp/password
  echo "host all all all scram-sha-256" >> "$PGDATA/pg_hba.conf"
  # podman 4.3 gives a tmpfs below a read-only /run to root alone: the socket is elsewhere here.
  echo "unix_socket_directories = '/tmp'" >> "$PGDATA/postgresql.conf"
  echo "listen_addresses = '*'" >> "$PGDATA/postgresql.conf"
  pg_ctl --pgdata="$PGDATA" --options="-c listen_addresses=" --wait start >/dev/null
  PGPASSWORD="$POSTGRES_PASSWORD" createdb --username="$POSTGRES_USER" --host=/tmp "$POSTGRES_DB"
  pg_ctl --pgdata="$PGDATA" --wait stop >/dev/null
fi
exec "$@"
