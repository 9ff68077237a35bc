#!/bin/sh
# Creates Temporal's two databases, or brings them to the version of this image. Safe to run again.
# Host, port, user, password and plug-in come from the environment (SQL_*).
set -eu

schema=/etc/temporal/schema/postgresql/v12

for database in temporal:temporal temporal_visibility:visibility; do
  name=${database%%:*}
  temporal-sql-tool --database "$name" create
  temporal-sql-tool --database "$name" setup-schema --version 0.0
  temporal-sql-tool --database "$name" update-schema --schema-dir "$schema/${database##*:}/versioned"
done
