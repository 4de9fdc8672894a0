"""The structured mean m_S(a) = phi(a)' theta_S: features, structure, and what is identified."""
