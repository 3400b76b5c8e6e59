"""placeholder"""
import ipaddress
def parse_network(t): 
    return ipaddress.ip_network(t)
