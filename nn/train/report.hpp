#pragma once

#include <string>
#include <vector>

#include "log.hpp"
#include "nn/plot/plot.hpp"

namespace xgrad::nn {

/// A training run as one HTML page: a curve for each column (training and validation in one), the best epoch marked,
/// and all numbers as a table; learning rate and seconds are small. `facts` stand below the title. Nothing is fetched
/// from elsewhere; it follows the reader's light or dark colours. The curves are drawn by gnuplot (see plot.hpp);
/// without it the page has the table alone, and says so. Trainer writes it with the model, its optimizer, sizes and the
/// date.
XGRAD_API std::string report_html(const History& history, const std::string& title = "Training run",
                                  const std::vector<std::string>& facts = {});
/// The same curves, without lr and seconds, as diagrams: `save_svg("curves.svg", curves(history))`. `validation` is
/// what the data of the columns "valid_…" are called.
XGRAD_API std::vector<Plot> curves(const History& history, const std::string& validation = "validation");

}  // namespace xgrad::nn
