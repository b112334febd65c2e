"""How the agent is watched from outside: systemd and the diagnostics document."""
