"""Values in a template: what functions, parameters and dynamic references become, and what stands for an unknown one."""
