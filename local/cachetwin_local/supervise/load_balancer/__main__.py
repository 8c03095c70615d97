"""The process of a load balancer: ``python -m cachetwin_local.supervise.load_balancer DESCRIPTOR``."""

from cachetwin_local.supervise.data_plane.program import main
from cachetwin_local.supervise.load_balancer.server import LoadBalancerServer

if __name__ == "__main__":
    main(LoadBalancerServer)
