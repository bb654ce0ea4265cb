import { hostRule } from './host-families.ts';

const names = (list: string): string[] =>
  list
    .trim()
    .split(/\s+/)
    .map((name) => `services.${name}`);

export const hostDatabases = hostRule(
  {
    switched: names(`postgresql mysql mongodb ferretdb couchdb influxdb influxdb2 clickhouse cassandra neo4j etcd
      cockroachdb rethinkdb arangodb opensearch elasticsearch meilisearch typesense redis redis.servers.* memcached
      victoriametrics pgbouncer pgadmin firebird openldap kafka apache-kafka rabbitmq minio garage nats dgraph tarantool
      surrealdb qdrant`),
  },
  {
    id: 'no-host-databases',
    title: 'No database on a host',
    section: '§4',
    noun: 'a database',
    why: 'A host is boring, minimal and replaceable: state on it is lost when it is installed anew.',
    whatToDo: 'Move it into a guest, with its data on a storage volume of its own.',
  },
);
