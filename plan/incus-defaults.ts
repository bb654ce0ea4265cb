/**
 * The settings of a server that have a default. Incus lists none that has the value of its default, also where somebody has
 * set it (6.0.4, seen with `cluster.offline_threshold`; so says its internal/server/cluster/config too).
 */
const DEFAULTS: Readonly<Record<string, string>> = {
  'acme.agree_tos': 'false',
  'backups.compression_algorithm': 'gzip',
  'cluster.healing_threshold': '0',
  'cluster.images_minimal_replica': '3',
  'cluster.join_token_expiry': '3H',
  'cluster.max_standby': '2',
  'cluster.max_voters': '3',
  'cluster.offline_threshold': '20',
  'core.bgp_asn': '0',
  'core.https_allowed_credentials': 'false',
  'core.metrics_authentication': 'true',
  'core.shutdown_timeout': '5',
  'core.trust_ca_certificates': 'false',
  'images.auto_update_cached': 'true',
  'images.auto_update_interval': '6',
  'images.compression_algorithm': 'gzip',
  'images.remote_cache_expiry': '10',
  'loki.loglevel': 'info',
  'loki.types': 'lifecycle,logging',
  'network.ovn.integration_bridge': 'br-int',
  'network.ovn.northbound_connection': 'unix:/var/run/ovn/ovnnb_db.sock',
};

/** Whether a server that lists these settings has one as it is wanted. Pure. */
export const hasSetting = (listed: Readonly<Record<string, string>>, key: string, wanted: string): boolean =>
  (listed[key] ?? DEFAULTS[key]) === wanted;
