\documentclass{article}
%include polycode.fmt
\begin{document}
\begin{code}
double :: Int -> Int
double x = x + x
\end{code}
\end{document}
