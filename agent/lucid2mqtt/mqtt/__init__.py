"""The house on MQTT: what is said and heard (pure), the connection to the broker, and the bridge between both."""
