import { hostRule } from './host-families.ts';

export const hostMonitoring = hostRule(
  {
    switched: [
      'prometheus',
      'prometheus.alertmanager',
      'prometheus.pushgateway',
      'loki',
      'grafana',
      'thanos.receive',
      'thanos.query',
      'mimir',
      'tempo',
      'uptime-kuma',
      'zabbixServer',
      'graylog',
    ].map((name) => `services.${name}`),
  },
  {
    id: 'monitoring-in-guests',
    title: 'Prometheus and Loki run in guests',
    section: '§10',
    noun: 'a monitoring server',
    why: 'A host only exposes metrics and logs. What collects them keeps state, and would fall silent with the host that it watches.',
    whatToDo: 'Move it into a guest, as metrics-vm; node_exporter and promtail stay.',
  },
);
