#pragma once

#include <string>
#include <vector>

#include "log.hpp"
#include "nn/plot/plot.hpp"

namespace xgrad::nn {

/// A training run as one HTML page: a chart for each column (training and validation in one), with the best epoch
/// marked, and all numbers as a table; learning rate and seconds are in small charts. `facts` are listed below the
/// title. The page is self-contained and follows the reader's light or dark mode. The curves are drawn by gnuplot (see
/// plot.hpp); without gnuplot the page has only the table, and says so. Trainer writes this page with the model, its
/// optimizer, sizes and the date.
XGRAD_API std::string report_html(const History& history, const std::string& title = "Training run",
                                  const std::vector<std::string>& facts = {});
/// The same curves, without lr and seconds, as plots: `save_svg("curves.svg", curves(history))`. `validation` is the
/// name of the data behind the columns "valid_…".
XGRAD_API std::vector<Plot> curves(const History& history, const std::string& validation = "validation");

}  // namespace xgrad::nn
