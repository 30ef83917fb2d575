# Seconds against tenants: tenants_time.tsv.
set terminal svg size 720,420 font "sans-serif,13" background "white" name "tenants_time"
set datafile separator "\t"
set key top left reverse Left
set logscale xy
set xrange [0.9:1100]
set format y "%g"
set grid ytics lc rgb "#dddddd"
set border 3
set tics nomirror
set xlabel "tenants, a PostgreSQL database each"
set ylabel "seconds"
set title "Nothing to do, time of a run"
plot "tenants_time.tsv" using 1:($5/1000) skip 1 with linespoints lw 2 pt 9 ps 0.8 lc rgb "#c0504d" title "Alembic, one process, one after the other", \
     "tenants_time.tsv" using 1:($2/1000) skip 1 with linespoints lw 2 pt 7 ps 0.7 lc rgb "#1f5fa8" title "profile-migrate, 20 jobs", \
     "tenants_time.tsv" using 1:($4/1000) skip 1 with linespoints lw 2 pt 5 ps 0.6 lc rgb "#888888" title "bare libpq, 20 threads", \
     "tenants_time.tsv" using 1:($3/1000) skip 1 with linespoints lw 2 pt 13 ps 0.9 lc rgb "#4f9d4f" title "profile-migrate, ledger trusted"
