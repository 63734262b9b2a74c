// A divergence without a closed form is not computed in another way, and what is given is named.
using namespace xgrad;
using namespace xgrad::distributions;

void refused(const Tensor& x) {
    kl_divergence(Normal(x, x), Gamma(x, x));
#if CASE == 1  // kl_divergence has no closed form for this pair of distributions
    kl_divergence(Gamma(x, x), LogNormal(x, x));
#elif CASE == 2  // kl_divergence has no closed form for this pair of distributions
    kl_divergence(Multinomial(3, {.probs = x}), Multinomial(3, {.probs = x}));
#elif CASE == 3  // no matching
    Bernoulli b(x);
#elif CASE == 4  // no member named|has no member
    Categorical({.logits = x}).mean();
#endif
}
